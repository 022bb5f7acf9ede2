import { expect, test } from "vitest";
import { waitMs } from "../src/connection";

test("waits double up to ten seconds, with jitter in the upper half", () => {
  expect(waitMs(0, 0)).toBe(125);
  expect(waitMs(0, 1)).toBe(250);
  expect(waitMs(3, 1)).toBe(2_000);
  expect(waitMs(60, 1)).toBe(10_000);
  expect(waitMs(60, 0)).toBe(5_000);
});
