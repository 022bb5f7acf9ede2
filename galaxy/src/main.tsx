import { render } from "preact";
import { App } from "./app";
import { frames } from "./frames";
import { connect } from "./store";
import "./theme.css";

declare global {
  interface Window {
    /** For tests: frame times, and whatever a page offers of its own. */
    __phantom: { frames: typeof frames; [offer: string]: unknown };
  }
}

window.__phantom = { frames };
const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
connect();
