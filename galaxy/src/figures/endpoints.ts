/** What the state of an endpoint is, in one word and a sentence. */

import type { Endpoint } from "../records";
import type { Tone } from "./tone";

export type EndpointFacts = Pick<Endpoint, "is_open" | "is_quarantined" | "behind_slots" | "wins">;

export interface EndpointState {
  readonly word: string;
  readonly tone: Tone;
  readonly means: string;
}

/** Slots behind the newest from which on an endpoint is called slow; 8 slots are 3.2 seconds. */
export const SLOW_SLOTS = 8;

export function endpointState(endpoint: EndpointFacts): EndpointState {
  if (endpoint.is_quarantined) {
    return { word: "quarantined", tone: "bad", means: "its provider's word does not count now" };
  }
  if (!endpoint.is_open) {
    return { word: "closed", tone: "bad", means: "not connected" };
  }
  if (endpoint.behind_slots === null) {
    return { word: "open", tone: "good", means: "connected; it has shown no slot yet" };
  }
  if (endpoint.behind_slots >= SLOW_SLOTS) {
    return { word: "behind", tone: "warn", means: `${endpoint.behind_slots} slots behind the newest` };
  }
  return { word: "open", tone: "good", means: "connected and up to date" };
}

/** Share of all news that each brought first, 0 to 1. */
export function winShares(endpoints: readonly EndpointFacts[]): number[] {
  const all = endpoints.reduce((sum, endpoint) => sum + endpoint.wins, 0);
  return endpoints.map((endpoint) => (all > 0 ? endpoint.wins / all : 0));
}
