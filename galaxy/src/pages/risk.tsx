import type { JSX } from "preact";

export function Risk(): JSX.Element {
  return <h1>Risk</h1>;
}
