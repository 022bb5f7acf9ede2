import { render } from "preact";
import { App } from "./app";
import { frames } from "./frames";
import { connect, facts } from "./store";
import "./theme.css";

declare global {
  interface Window {
    /** For tests: frame times, what is known, and whatever a page offers of its own. */
    __phantom: { frames: typeof frames; facts: typeof facts; [offer: string]: unknown };
  }
}

window.__phantom = { frames, facts };
const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
connect();
