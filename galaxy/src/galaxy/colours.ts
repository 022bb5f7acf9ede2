/** Colours on the canvas. Edges are opaque: what looks faint is mixed with the background. */

export interface Sky {
  background: string;
  text: string;
  halo: string;
  star: string;
  tints: readonly string[];
  lit: string;
  taken: string;
  chosen: string;
}

const DARK: Sky = {
  background: "#070a13",
  text: "#e8ecf6",
  halo: "#070a13",
  star: "#ffd98a",
  tints: ["#cfe0ff", "#ffffff", "#ffe9c4", "#ffd0b0", "#b9d2ff"],
  lit: "#ffe66b",
  taken: "#5fe3a1",
  chosen: "#ffffff",
};

const LIGHT: Sky = {
  background: "#fbfcff",
  text: "#151a26",
  halo: "#fbfcff",
  star: "#b97700",
  tints: ["#3d5a94", "#46506a", "#7a6334", "#8a5236", "#2f6aa8"],
  lit: "#d9480f",
  taken: "#0f7a48",
  chosen: "#000000",
};

export function sky(is_dark: boolean): Sky {
  return is_dark ? DARK : LIGHT;
}

/** Told apart by eyes that see few colours: hue and lightness both differ. Dark theme, light theme. */
const VENUES: Record<string, readonly [dark: string, light: string]> = {
  orca_whirlpool: ["#4cc9f0", "#0077a3"],
  orca_token_swap_v2: ["#9bdcf2", "#4f8fa8"],
  raydium_clmm: ["#b48cff", "#6a35c9"],
  raydium_amm_v4: ["#f086c8", "#b0247f"],
  raydium_cpmm: ["#8f9bff", "#3848c4"],
  meteora_dlmm: ["#ff9f5a", "#b85300"],
  meteora_damm_v2: ["#ffd166", "#8a6500"],
  pumpswap: ["#c9e265", "#5f7400"],
};

const OTHER: readonly (readonly [string, string])[] = [
  ["#a3aec7", "#5a657d"],
  ["#d0b8a8", "#86614a"],
  ["#a8d0c0", "#3f7d68"],
];

export function venueColour(venue: string, is_dark: boolean): string {
  const pair = VENUES[venue] ?? OTHER[hash(venue) % OTHER.length]!;
  return pair[is_dark ? 0 : 1];
}

/** A number from text, the same on every machine: FNV-1a. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** `share` of `colour` over `ground`; both as `#rrggbb`. */
export function mixed(colour: string, ground: string, share: number): string {
  const parts = [1, 3, 5].map((at) => {
    const top = Number.parseInt(colour.slice(at, at + 2), 16);
    const below = Number.parseInt(ground.slice(at, at + 2), 16);
    return Math.round(top * share + below * (1 - share))
      .toString(16)
      .padStart(2, "0");
  });
  return `#${parts.join("")}`;
}
