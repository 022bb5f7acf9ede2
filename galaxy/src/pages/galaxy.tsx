import type { JSX } from "preact";

export function Galaxy(): JSX.Element {
  return <h1>Galaxy</h1>;
}
