import type { JSX } from "preact";

export function Endpoints(): JSX.Element {
  return <h1>Endpoints</h1>;
}
