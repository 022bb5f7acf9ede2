import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { compress } from "./compress.ts";

// `phantom dashboard` listens here; `npm run dev` shows its data with pages that reload as they are edited.
const SERVER = process.env["GALAXY_SERVER"] ?? "http://127.0.0.1:8787";

export default defineConfig({
  base: "./",
  build: {
    outDir: fileURLToPath(new URL("../src/phantom_arbiter/galaxy/static", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  plugins: [compress()],
  server: {
    proxy: {
      "/api": { target: SERVER, changeOrigin: true },
      "/ws": { target: SERVER, ws: true, changeOrigin: true },
    },
  },
});
