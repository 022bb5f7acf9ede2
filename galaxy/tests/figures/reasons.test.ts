import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  explainFailure,
  explainReason,
  explainRefusal,
  explainRisk,
  explainSetAside,
  ranked,
} from "../../src/figures/reasons";

const ROOT = new URL("../../../", import.meta.url);

describe("every reason that the program knows is explained", () => {
  test("those of the scorer, as the native code names them", () => {
    const source = readFileSync(new URL("src_rust/src/scorer/reason.rs", ROOT), "utf8");
    const names = [...source.matchAll(/=> "([a-z_]+)",/g)].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThanOrEqual(24);
    expect(names.filter((name) => explainReason(name).means === "")).toEqual([]);
  });

  test("those of risk, as docs/RISK.md lists them", () => {
    const table =
      readFileSync(new URL("docs/RISK.md", ROOT), "utf8").split("## Why a plan is refused")[1] ?? "";
    const rows = (table.split("- What is not known")[0] ?? "")
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    const names = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([a-z_]+)`/g)].map((m) => m[1] ?? ""),
    );
    expect(names.length).toBeGreaterThanOrEqual(24);
    expect(names.filter((name) => explainRisk(name).means === "")).toEqual([]);
    expect(names.filter((name) => explainRefusal(`risk_${name}`).means === "")).toEqual([]);
  });

  test("settings that are named exist", () => {
    const files = ["config.py", "config_risk.py", "config_fees.py", "config_execution.py"];
    const config = files
      .map((file) => readFileSync(new URL(`src/phantom_arbiter/${file}`, ROOT), "utf8"))
      .join("\n");
    const named = ["already_taken", "stale", "too_deep", "stale_pool", "token_risk", "refused_by_rule"]
      .flatMap((name) => explainReason(name).settings)
      .concat(
        ["failures", "per_day", "drawdown", "venue_exposure"].flatMap((name) => explainRisk(name).settings),
      );
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
  expect(explainReason("something_new")).toEqual({ title: "something new", means: "", settings: [] });
  expect(explainSetAside("toString")).toEqual({ title: "toString", means: "", settings: [] });
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
