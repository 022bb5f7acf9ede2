/** The drawer with the details of one star, pool, cycle or trade. */

import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { CycleDetail } from "./details/cycle";
import { PoolDetail } from "./details/pool";
import { StarDetail } from "./details/star";
import { TradeDetail } from "./details/trade";
import { hello } from "./store";

export type Detail =
  | { kind: "star"; mint: string }
  | { kind: "pool"; n: number }
  | { kind: "cycle"; id: number }
  | { kind: "trade"; attempt_id: number };

const KINDS: Record<Detail["kind"], string> = { star: "Token", pool: "Pool", cycle: "Cycle", trade: "Trade" };

export const detail = signal<Detail | null>(null);

let opened_from: Element | null = null;

/** Shows the details of something; focus goes into the drawer and comes back when it closes. */
export function openDetail(wanted: Detail): void {
  if (detail.peek() === null) opened_from = document.activeElement;
  detail.value = wanted;
}

export function closeDetail(): void {
  detail.value = null;
  if (opened_from instanceof HTMLElement && opened_from.isConnected) opened_from.focus();
  else document.getElementById("main")?.focus();
  opened_from = null;
}

export function Panel(): JSX.Element | null {
  const wanted = detail.value;
  const drawer = useRef<HTMLElement>(null);
  const key = wanted ? JSON.stringify(wanted) : "";
  useEffect(() => {
    if (key) drawer.current?.focus();
  }, [key]);
  useEffect(() => {
    if (!key) return;
    // From anywhere: the row that had the focus may have gone. A dialog and a field come first.
    const close = (event: KeyboardEvent) => {
      const is_elsewhere = event.target instanceof HTMLInputElement || document.querySelector("dialog[open]");
      if (event.key === "Escape" && !is_elsewhere) closeDetail();
    };
    document.addEventListener("keydown", close);
    return () => document.removeEventListener("keydown", close);
  }, [key]);
  const began = hello.value?.began_unix_ms;
  const before = useRef(began);
  useEffect(() => {
    if (began === undefined || began === before.current) return;
    const is_numbered = wanted !== null && wanted.kind !== "star";
    // Numbers mean other things in another run.
    if (before.current !== undefined && is_numbered) closeDetail();
    before.current = began;
  }, [began]);
  if (!wanted) return null;
  return (
    <aside ref={drawer} class="panel" tabIndex={-1} aria-label={`${KINDS[wanted.kind]}: details`}>
      <button type="button" class="panel-close" aria-label="Close the details" onClick={closeDetail}>
        ✕
      </button>
      <p class="panel-kind">{KINDS[wanted.kind]}</p>
      <div key={key}>{contents(wanted)}</div>
    </aside>
  );
}

function contents(wanted: Detail): ComponentChildren {
  switch (wanted.kind) {
    case "star":
      return <StarDetail mint={wanted.mint} />;
    case "pool":
      return <PoolDetail n={wanted.n} />;
    case "cycle":
      return <CycleDetail id={wanted.id} />;
    case "trade":
      return <TradeDetail attempt_id={wanted.attempt_id} />;
  }
}
