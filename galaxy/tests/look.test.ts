import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sky, venueColour } from "../src/galaxy/colours";
import { controlOf, distance } from "../src/galaxy/lit";

const css = readFileSync(new URL("../src/theme.css", import.meta.url), "utf8");

function variables(selector: string): Record<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`));
  const found = block.slice(0, block.indexOf("}")).matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g);
  return Object.fromEntries([...found].map(([, name, value]) => [name, value]));
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

/** As WCAG 2.2 defines it. */
function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light! + 0.05) / (dark! + 0.05);
}

const INKS = ["text", "dim", "accent", "good", "bad", "warn", "past", "focus"];
const GROUNDS = ["bg", "surface", "raised"];

test.each([":root", ':root[data-theme="light"]'])("every ink of %s can be read on every ground", (selector) => {
  const found = variables(selector);
  for (const ink of INKS) {
    for (const ground of GROUNDS) {
      const reached = contrast(found[ink]!, found[ground]!);
      expect(reached, `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});

test.each([true, false])("cycles and venues stand out from the sky (dark: %s)", (is_dark) => {
  const { background, text, lit, taken, chosen, star } = sky(is_dark);
  expect(contrast(text, background)).toBeGreaterThanOrEqual(4.5);
  for (const colour of [lit, taken, chosen, star]) {
    expect(contrast(colour, background), colour).toBeGreaterThanOrEqual(3);
  }
  for (const venue of ["orca_whirlpool", "raydium_clmm", "meteora_dlmm", "pumpswap", "one_of_tomorrow"]) {
    expect(contrast(venueColour(venue, is_dark), background), venue).toBeGreaterThanOrEqual(3);
  }
});

test("a click finds straight edges and bent ones", () => {
  const from = { x: 0, y: 0 };
  const to = { x: 100, y: 0 };
  expect(distance({ x: 50, y: 3 }, { from, to, curvature: 0 })).toBeCloseTo(3);
  expect(distance({ x: 130, y: 0 }, { from, to, curvature: 0 })).toBeCloseTo(30);
  const bent = { from, to, curvature: 0.4 };
  // A curve's middle lies half as far out as its control point.
  expect(controlOf(bent)).toEqual({ x: 50, y: -40 });
  expect(distance({ x: 50, y: -20 }, bent)).toBeLessThan(0.5);
  expect(distance({ x: 50, y: 0 }, bent)).toBeGreaterThan(15);
});
