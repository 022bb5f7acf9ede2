import { expect, test } from "vitest";
import * as format from "../src/format";
import { A, B } from "./sample";

const MINTS = { [A]: { symbol: "SOL", decimals: 9 }, [B]: { symbol: "USDC", decimals: 6 } };

test.each([
  ["1234567890", 6, undefined, "1,234.567890"],
  ["-1234567", 6, 2, "−1.23"],
  ["5", 9, undefined, "0.000000005"],
  ["0", 6, 2, "0.00"],
  ["-1", 6, 2, "0.00"],
  ["18446744073709551615", 0, undefined, "18,446,744,073,709,551,615"],
  ["340282366920938463463374607431768211455", 9, 3, "340,282,366,920,938,463,463,374,607,431.768"],
  ["125", 2, 1, "1.2"],
  ["135", 2, 1, "1.4"],
  ["999", 2, 1, "10.0"],
])("units(%s, %i, %s) is %s", (amount, decimals, places, expected) => {
  expect(format.units(amount, decimals, places)).toBe(expected);
});

test("amounts of unknown mints are in base units", () => {
  expect(format.amount("1234567", B, MINTS)).toBe("1.234567 USDC");
  expect(format.amount("1234", "7qbRabcdefghijk9fKz", MINTS)).toBe("1,234 units of 7qbR…9fKz");
  expect(format.amount(null, A, MINTS)).toBe("–");
  expect(format.signed("5", A, MINTS)).toBe("+0.000000005 SOL");
});

test.each([
  [850, "850 ns"],
  [12_400, "12.4 µs"],
  [3_200_000, "3.20 ms"],
  [1_500_000_000, "1.50 s"],
  [3_723_000_000_000, "1:02:03"],
  [null, "–"],
])("nanoseconds(%s) is %s", (ns, expected) => {
  expect(format.nanoseconds(ns)).toBe(expected);
});

test("floats are rounded, grouped, and never minus zero", () => {
  expect(format.decimal(-0.001)).toBe("0.00");
  expect(format.decimal(-1234.5)).toBe("−1,234.50");
  expect(format.significant(0.0000123456)).toBe("0.000012346");
  expect(format.significant(23456.789)).toBe("23,457");
  expect(format.significant(1e-9)).toBe("1.0000e−9");
  expect(format.bps(3.25)).toBe("3.3 bps");
  expect(format.percent(0.1234)).toBe("12.3 %");
});

test("durations", () => {
  expect(format.duration(4_200)).toBe("4 s");
  expect(format.duration(200_000)).toBe("3 min 20 s");
  expect(format.duration(7_500_000)).toBe("2 h 5 min");
  expect(format.duration(273_600_000)).toBe("3 d 4 h");
});
