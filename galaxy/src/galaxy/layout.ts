/** Where stars stand: seeded by their mints, arranged in a worker, remembered per market. */

import { hash } from "./colours";

export interface LayoutQuestion {
  id: number;
  /** As ForceAtlas2's matrices want them: ten floats per node, three per edge. */
  nodes: Float32Array;
  edges: Float32Array;
  steps: number;
  /** Whether to tell of places on the way. */
  reports: boolean;
}

export interface LayoutAnswer {
  id: number;
  done: boolean;
  /** x and y per node. */
  places: Float32Array;
}

export interface Place {
  x: number;
  y: number;
}

const PER_NODE = 10;
const PER_EDGE = 3;

/** The first picture; enough for the shape to hold still. */
export const FIRST_STEPS = 500;

/** When pools came to a picture that stands already. */
export const MORE_STEPS = 120;

/** Places by mint, per market, as long as the page lives. */
const remembered = new Map<string, Map<string, Place>>();

export function placesOf(market: string): Map<string, Place> {
  let places = remembered.get(market);
  if (!places) {
    places = new Map();
    remembered.set(market, places);
  }
  return places;
}

/** Where a mint begins: inside a disc, the same on every machine. */
export function seed(mint: string, order: number): Place {
  const angle = (hash(mint) / 2 ** 32) * 2 * Math.PI;
  const radius = Math.sqrt(hash(`${mint}·`) / 2 ** 32) * 10 * Math.sqrt(Math.max(order, 1));
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

/** The matrices of `nodes` joined by `edges` (indices and weight). */
export function matrices(
  nodes: readonly Place[],
  edges: readonly (readonly [source: number, target: number, weight: number])[],
): { nodes: Float32Array; edges: Float32Array } {
  const node_matrix = new Float32Array(nodes.length * PER_NODE);
  const edge_matrix = new Float32Array(edges.length * PER_EDGE);
  nodes.forEach(({ x, y }, index) => {
    // x, y, dx, dy, old dx, old dy, mass, convergence, size, fixed
    node_matrix.set([x, y, 0, 0, 0, 0, 1, 1, 1, 0], index * PER_NODE);
  });
  edges.forEach(([source, target, weight], index) => {
    node_matrix[source * PER_NODE + 6]! += weight;
    node_matrix[target * PER_NODE + 6]! += weight;
    edge_matrix.set([source * PER_NODE, target * PER_NODE, weight], index * PER_EDGE);
  });
  return { nodes: node_matrix, edges: edge_matrix };
}

/** The worker; only its latest question is answered. */
export class Layout {
  private worker: Worker | null = null;
  private asked = 0;
  isRunning = false;

  constructor(private readonly placed: (places: Float32Array, done: boolean) => void) {}

  run(question: Omit<LayoutQuestion, "id">): void {
    this.stop();
    const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
    const id = ++this.asked;
    this.worker = worker;
    this.isRunning = true;
    worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      if (data.id !== this.asked) return;
      if (data.done) this.stop();
      this.placed(data.places, data.done);
    };
    worker.postMessage({ ...question, id }, [question.nodes.buffer, question.edges.buffer]);
  }

  stop(): void {
    this.worker?.terminate();
    this.worker = null;
    this.isRunning = false;
  }
}
