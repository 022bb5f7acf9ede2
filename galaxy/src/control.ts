/** Asking the run to halt, resume or stop. The control token lives in this page's memory only. */

import { ApiError, post } from "./api";
import type { Hello } from "./records";
import { sentence } from "./sentence";

export type Action = "halt" | "resume" | "stop";

let token: string | null = null;

/** Whether a token was given that has not been refused since. */
export function hasToken(): boolean {
  return token !== null;
}

export interface Answer {
  readonly done: boolean;
  readonly words: string;
}

const DONE: Readonly<Record<Action, string>> = {
  halt: "Halted: nothing is sent any more, watching goes on.",
  resume: "Resumed: the dashboard holds trading no longer.",
  stop: "Stopping: the run ends as with Ctrl-C.",
};

/** The run that is meant; a number alone can be another journal's. */
export type Meant = Pick<Hello, "run_id" | "began_unix_ms">;

/** Asks `run`, and no other, with the token given before, or with `given`; what came of it, in words. */
export async function control(action: Action, run: Meant, given: string | null): Promise<Answer> {
  const shown = given ?? token;
  if (shown === null) return { done: false, words: "The control token is missing." };
  try {
    const { run_id, began_unix_ms } = run;
    await post("api/control", { action, run_id, began_unix_ms }, { "x-phantom-control": shown });
  } catch (error) {
    const is_refused = error instanceof ApiError && error.status === 403;
    if (is_refused) token = null;
    return { done: false, words: `Not done. ${sentence(error)}` };
  }
  token = shown;
  return { done: true, words: DONE[action] };
}
