import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const COMPRESSED = /\.(js|css|html|svg)$/;

/** Below this a compressed file saves less than the header that announces it. */
const WORTH_IT_BYTES = 512;

/** Writes `.br` and `.gz` beside every file of text, so that the server compresses nothing itself. */
export function compress(): Plugin {
  let folder = "";
  return {
    name: "compress",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      const sizes = { files: 0, bytes: 0, brotli: 0, gzip: 0 };
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (!entry.isFile() || !COMPRESSED.test(entry.name)) continue;
        const bytes = readFileSync(path);
        sizes.files += 1;
        sizes.bytes += bytes.length;
        if (bytes.length < WORTH_IT_BYTES) continue;
        const brotli = brotliCompressSync(bytes, {
          params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
        });
        const gzip = gzipSync(bytes, { level: 9 });
        writeFileSync(`${path}.br`, brotli);
        writeFileSync(`${path}.gz`, gzip);
        sizes.brotli += brotli.length;
        sizes.gzip += gzip.length;
      }
      this.info(`${sizes.files} files, ${sizes.bytes} bytes; brotli ${sizes.brotli}, gzip ${sizes.gzip}`);
    },
  };
}
