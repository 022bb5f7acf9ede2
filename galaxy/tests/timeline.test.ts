import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { A, B, changes, hello, pool, snapshot } from "./sample";

interface Asked {
  path: string;
  answer: (body: unknown, status?: number) => Promise<void>;
}

let asked: Asked[] = [];
let frames: ((now: number) => void)[] = [];
let now = 0;

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Draws one frame, `ms` after the last. */
function frame(ms: number): void {
  now += ms;
  const due = frames;
  frames = [];
  for (const one of due) one(now);
}

beforeEach(() => {
  asked = [];
  frames = [];
  now = 1;
  vi.resetModules();
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", { baseURI: "http://127.0.0.1:8787/", documentElement: { dataset: {} } });
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
  vi.stubGlobal("requestAnimationFrame", (call: (now: number) => void) => frames.push(call));
  vi.stubGlobal("cancelAnimationFrame", () => {
    frames = [];
  });
  vi.stubGlobal(
    "fetch",
    (url: URL) =>
      new Promise<Response>((resolve) => {
        asked.push({
          path: url.pathname + url.search,
          answer: (body, status = 200) => {
            resolve(Response.json(body, { status }));
            return settled();
          },
        });
      }),
  );
});

afterEach(() => vi.unstubAllGlobals());

const pools = [pool(0, A, B)];
/** Record `seq`, told `seq` · 50 ms after the beginning. */
const record = (seq: number) => changes(seq, { pools: [[0, String(seq), "1", 1, seq, null]] });

/** A run at record `seq`, shown at record 1. */
async function scrubbedTo(seq: number) {
  const store = await import("../src/store");
  const timeline = await import("../src/timeline");
  store.connection.value = "connected";
  store.receive([hello(), snapshot(pools, seq)]);
  const going = timeline.goTo(1);
  await asked.pop()!.answer(snapshot(pools, 1));
  await going;
  return { store, timeline };
}

test("playing shows every record up to the present, and then the present", async () => {
  const { store, timeline } = await scrubbedTo(300);
  timeline.play();
  frame(16);
  // 300 records are 15 s: all that there is comes with the first request.
  await asked.pop()!.answer(Array.from({ length: 299 }, (_, index) => record(index + 2)));
  frame(1_000);
  frame(1_000);
  expect(store.scrubbed.value?.is_playing).toBe(true);
  expect(store.shown().seq).toBeLessThan(100);
  expect(store.shown().pools.get(0)?.depth_a).toBe(String(store.shown().seq));
  for (let at = 0; at < 200 && store.scrubbed.value; at += 1) {
    frame(100);
    for (const one of asked.splice(0)) await one.answer([]);
  }
  expect(store.scrubbed.value).toBeNull();
  expect(now).toBeGreaterThan(14_000);
});

test("a moment that is still asked for is not shown after going back to live", async () => {
  const { store, timeline } = await scrubbedTo(300);
  const going = timeline.goTo(2);
  store.showLive();
  await asked.pop()!.answer(snapshot(pools, 2));
  await going;
  expect(store.scrubbed.value).toBeNull();
});

test("nor after another run began", async () => {
  const { store, timeline } = await scrubbedTo(300);
  store.showLive();
  const going = timeline.goTo(2);
  store.receive([hello(2), snapshot(pools, 1)]);
  await asked.pop()!.answer(snapshot(pools, 2));
  await going;
  expect(store.scrubbed.value).toBeNull();
});

test("a late error of what played before does not stop what plays now", async () => {
  const { store, timeline } = await scrubbedTo(300);
  timeline.play();
  frame(16);
  const late = asked.pop()!;
  const going = timeline.goTo(5);
  await asked.pop()!.answer(snapshot(pools, 5));
  await going;
  timeline.play();
  await late.answer({ error: "too late" }, 503);
  expect(store.scrubbed.value?.is_playing).toBe(true);
});
