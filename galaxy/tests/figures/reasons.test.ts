import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  explainFailure,
  explainReason,
  explainRefusal,
  explainRisk,
  explainSetAside,
  limitUnit,
  ranked,
} from "../../src/figures/reasons";

const ROOT = new URL("../../../", import.meta.url);

function scorerReasons(): string[] {
  const source = readFileSync(new URL("src_rust/src/scorer/reason.rs", ROOT), "utf8");
  return [...source.matchAll(/=> "([a-z_]+)",/g)].map((match) => match[1] ?? "");
}

function riskReasons(): string[] {
  const text = readFileSync(new URL("docs/RISK.md", ROOT), "utf8");
  const table = text.split("## Why a plan is refused")[1]?.split("- What is not known")[0] ?? "";
  return table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([a-z_]+)`/g)].map((match) => match[1] ?? ""));
}

describe("every reason that the program knows is explained", () => {
  test("those of the scorer, as the native code names them", () => {
    expect(scorerReasons().length).toBeGreaterThanOrEqual(24);
    expect(scorerReasons().filter((name) => explainReason(name).means === "")).toEqual([]);
  });

  test("those of risk, as docs/RISK.md lists them", () => {
    expect(riskReasons().length).toBeGreaterThanOrEqual(24);
    expect(riskReasons().filter((name) => explainRisk(name).means === "")).toEqual([]);
    expect(riskReasons().filter((name) => explainRefusal(`risk_${name}`).means === "")).toEqual([]);
  });

  test("settings that are named exist", () => {
    const files = ["config.py", "config_risk.py", "config_fees.py", "config_execution.py"];
    const config = files
      .map((file) => readFileSync(new URL(`src/phantom_arbiter/${file}`, ROOT), "utf8"))
      .join("\n");
    const named = [
      ...scorerReasons().flatMap((name) => explainReason(name).settings),
      ...riskReasons().flatMap((name) => explainRisk(name).settings),
    ];
    expect(named.length).toBeGreaterThan(40);
    for (const key of named) {
      expect(config).toMatch(new RegExp(`^ {4}${key.split(".").at(-1)}\\b.*:`, "m"));
    }
  });
});

test("figures after a colon are no part of the reason", () => {
  expect(explainFailure("below_minimum_out:10<12").means).not.toBe("");
  expect(explainFailure("rehearsal: slippage").title).toBe("rehearsal: slippage");
});

test("an unknown reason keeps its name and claims nothing", () => {
  expect(explainReason("something_new")).toEqual({
    title: "something new",
    means: "",
    settings: [],
  });
  expect(explainSetAside("toString")).toEqual({
    title: "toString",
    means: "",
    settings: [],
  });
  expect(explainReason("__proto__").settings).toEqual([]);
});

test("ranked puts the most frequent first and leaves zeros out", () => {
  expect(ranked({ b: 1, a: 1, c: 6, none: 0 })).toEqual([
    { name: "c", count: 6, share: 0.75 },
    { name: "a", count: 1, share: 0.125 },
    { name: "b", count: 1, share: 0.125 },
  ]);
  expect(ranked({})).toEqual([]);
});

test("a limit has the unit of its rule", () => {
  expect(["price_deviation", "per_trade", "venue_exposure"].map(limitUnit)).toEqual([
    "bps",
    "base",
    "lamports",
  ]);
});
