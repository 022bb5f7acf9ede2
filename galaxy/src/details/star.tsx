import type { JSX } from "preact";

export function StarDetail({ mint }: { mint: string }): JSX.Element {
  return <h2>{mint}</h2>;
}
