import type { JSX } from "preact";

export function Opportunities(): JSX.Element {
  return <h1>Opportunities</h1>;
}
