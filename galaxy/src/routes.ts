/** Which page is shown: the part of the address after `#/`. */

import { computed, signal } from "@preact/signals";

export const PAGES = [
  { id: "why", title: "Why", hint: "From updates to trades: what was turned down, and why" },
  { id: "galaxy", title: "Galaxy", hint: "Tokens, pools and open cycles" },
  { id: "opportunities", title: "Opportunities", hint: "Cycles as they open and close" },
  { id: "trades", title: "Trades", hint: "Attempts and profit" },
  { id: "endpoints", title: "Endpoints", hint: "Connections and how they race" },
  { id: "risk", title: "Risk", hint: "Limits, breakers, fees" },
  { id: "settings", title: "Settings", hint: "What this run was started with" },
] as const;

export type PageId = (typeof PAGES)[number]["id"];

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export const page = computed<PageId>(() => {
  const wanted = hash.value.replace(/^#\/?/, "").split("/")[0];
  return PAGES.find((candidate) => candidate.id === wanted)?.id ?? "why";
});

export function go(to: PageId): void {
  location.hash = `#/${to}`;
}
