/** ForceAtlas2, away from the page's thread. A fixed number of steps: the same market gives the same picture. */

import defaults from "graphology-layout-forceatlas2/defaults.js";
import iterate from "graphology-layout-forceatlas2/iterate.js";
import type { LayoutAnswer, LayoutQuestion } from "./layout";

/** Floats per node and per edge in the library's matrices. */
const PER_NODE = 10;

const REPORT_MS = 250;

self.onmessage = ({ data }: MessageEvent<LayoutQuestion>) => {
  const { id, nodes, edges, steps, reports } = data;
  const order = nodes.length / PER_NODE;
  const settings = {
    ...defaults,
    gravity: 1.2,
    scalingRatio: 12,
    outboundAttractionDistribution: true,
    edgeWeightInfluence: 0.6,
    slowDown: 1 + Math.log(Math.max(order, 2)),
    barnesHutOptimize: order > 300,
    barnesHutTheta: 0.8,
  };
  let told = performance.now();
  for (let step = 0; step < steps; step++) {
    iterate(settings, nodes, edges);
    if (reports && performance.now() - told > REPORT_MS) {
      told = performance.now();
      self.postMessage({ id, done: false, places: placesOf(nodes) } satisfies LayoutAnswer);
    }
  }
  self.postMessage({ id, done: true, places: placesOf(nodes) } satisfies LayoutAnswer);
};

function placesOf(nodes: Float32Array): Float32Array {
  const places = new Float32Array((nodes.length / PER_NODE) * 2);
  for (let node = 0, at = 0; node < nodes.length; node += PER_NODE) {
    places[at++] = nodes[node]!;
    places[at++] = nodes[node + 1]!;
  }
  return places;
}
