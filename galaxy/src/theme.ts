/** Dark or light, and whether things may move: as the system says, or as the reader chose. */

import { computed, effect, signal } from "@preact/signals";

export type Choice = "system" | "dark" | "light";

const KEY = "phantom-theme";
const prefers_light = matchMedia("(prefers-color-scheme: light)");
const prefers_still = matchMedia("(prefers-reduced-motion: reduce)");

function remembered(): Choice {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "dark" || kept === "light" ? kept : "system";
  } catch {
    return "system";
  }
}

const system_is_light = signal(prefers_light.matches);
prefers_light.addEventListener("change", (event) => {
  system_is_light.value = event.matches;
});

export const themeChoice = signal<Choice>(remembered());
export const isDark = computed(() =>
  themeChoice.value === "system" ? !system_is_light.value : themeChoice.value === "dark",
);

export const isStill = signal(prefers_still.matches);
prefers_still.addEventListener("change", (event) => {
  isStill.value = event.matches;
});

export function choose(choice: Choice): void {
  themeChoice.value = choice;
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Without storage the choice holds until the page is loaded again.
  }
}

/** The value of a CSS variable, for canvases. */
export function variable(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

effect(() => {
  document.documentElement.dataset["theme"] = isDark.value ? "dark" : "light";
});
