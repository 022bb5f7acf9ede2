import type { JSX } from "preact";

export function Trades(): JSX.Element {
  return <h1>Trades</h1>;
}
