import { ApiError } from "./api";

/** What went wrong, as a sentence. */
export function sentence(error: unknown): string {
  const text = error instanceof ApiError ? error.message : "The answer could not be read";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
