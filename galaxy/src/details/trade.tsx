import type { JSX } from "preact";

export function TradeDetail({ attempt_id }: { attempt_id: number }): JSX.Element {
  return <h2>Trade {attempt_id}</h2>;
}
