import { expect, test } from "vitest";
import { compact } from "../../src/figures/axis";

test("labels of axes are short whatever the size", () => {
  expect([0, 0.25, -0.005, 7, 1_200, 15_000, 1_500_000, -3_250_000_000, 2e12].map(compact)).toEqual([
    "0",
    "0.25",
    "−0.005",
    "7",
    "1,200",
    "15 k",
    "1.5 M",
    "−3.25 G",
    "2 T",
  ]);
});
