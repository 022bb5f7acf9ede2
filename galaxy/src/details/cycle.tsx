import type { JSX } from "preact";

export function CycleDetail({ id }: { id: number }): JSX.Element {
  return <h2>Cycle {id}</h2>;
}
