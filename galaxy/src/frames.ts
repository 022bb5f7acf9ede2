/** Frame times, and how much of them our own code took: a ring that tests and the fps display read. */

const KEPT = 1_200;

export interface FrameSummary {
  frames: number;
  fps: number;
  p50_ms: number;
  p95_ms: number;
  /** Time in our own code per frame: folding, colouring, drawing calls. */
  script_p50_ms: number;
  script_p95_ms: number;
  longest_ms: number;
}

export class Frames {
  private readonly deltas = new Float64Array(KEPT);
  private readonly scripts = new Float64Array(KEPT);
  private count = 0;
  private before = 0;
  private script_ms = 0;
  private running = 0;

  /** Measures from now on; a second call changes nothing. */
  start(): void {
    if (this.running) return;
    const tick = (now: number): void => {
      if (this.before > 0) {
        const at = this.count % KEPT;
        this.deltas[at] = now - this.before;
        this.scripts[at] = this.script_ms;
        this.count += 1;
      }
      this.before = now;
      this.script_ms = 0;
      this.running = requestAnimationFrame(tick);
    };
    this.running = requestAnimationFrame(tick);
  }

  reset(): void {
    this.count = this.before = this.script_ms = 0;
  }

  /** Runs `work` and counts its time to the frame that is being made. */
  timed<T>(work: () => T): T {
    const began = performance.now();
    try {
      return work();
    } finally {
      this.script_ms += performance.now() - began;
    }
  }

  /** Counts time of our code that was measured elsewhere. */
  add(ms: number): void {
    this.script_ms += ms;
  }

  summary(): FrameSummary {
    const kept = Math.min(this.count, KEPT);
    const deltas = this.deltas.slice(0, kept).sort();
    const scripts = this.scripts.slice(0, kept).sort();
    const mean = deltas.reduce((sum, delta) => sum + delta, 0) / Math.max(kept, 1);
    return {
      frames: kept,
      fps: mean > 0 ? 1_000 / mean : 0,
      p50_ms: quantile(deltas, 0.5),
      p95_ms: quantile(deltas, 0.95),
      script_p50_ms: quantile(scripts, 0.5),
      script_p95_ms: quantile(scripts, 0.95),
      longest_ms: deltas[kept - 1] ?? 0,
    };
  }
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export const frames = new Frames();
