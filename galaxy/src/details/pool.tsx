import type { JSX } from "preact";

export function PoolDetail({ n }: { n: number }): JSX.Element {
  return <h2>Pool {n}</h2>;
}
