import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { A, B, hello, pool, snapshot } from "./sample";

let reloads = 0;

beforeEach(() => {
  reloads = 0;
  const kept = new Map<string, string>();
  vi.resetModules();
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("location", { reload: () => (reloads += 1) });
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

afterEach(() => vi.unstubAllGlobals());

test("a run that speaks otherwise is not folded; the pages are loaded anew once", async () => {
  const store = await import("../src/store");
  const other = { ...hello(), schema: 2 };
  store.receive([other, snapshot([pool(0, A, B)])]);
  store.receive([other, snapshot([pool(0, A, B)])]);
  expect(reloads).toBe(1);
  expect(store.unknownSchema.value).toBe(2);
  expect(store.shown().pools.size).toBe(0);
  store.receive([hello(), snapshot([pool(0, A, B)])]);
  expect(store.unknownSchema.value).toBeNull();
  expect(store.shown().pools.size).toBe(1);
  store.receive([other]);
  expect(reloads).toBe(2);
});
