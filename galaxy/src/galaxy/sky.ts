/** The canvas: stars and pools by sigma, redrawn only when what is seen changed, and open cycles above. */

import { createEdgeCurveProgram } from "@sigma/edge-curve";
import { MultiUndirectedGraph } from "graphology";
import Sigma from "sigma";
import type { NodeHoverDrawingFunction } from "sigma/rendering";
import { symbolOf } from "../format";
import { frames } from "../frames";
import { type Cycle, type Pool, poolOf, type RunModel, type Touched } from "../model";
import type { Detail } from "../panel";
import type { Mint } from "../records";
import { type Edge, edgesOf } from "./bundles";
import { type Sky as Colours, hash, mixed, sky, venueColour } from "./colours";
import { FIRST_STEPS, Layout, MORE_STEPS, matrices, type Place, placesOf, seed } from "./layout";
import { distance, drawLights, type Lights, type Point, type Stroke } from "./lit";
import { StarProgram } from "./star-program";
import { NO_VALUES, poolValue, VALUE_MS, type Values, valuesOf } from "./value";

/** The lit layer is drawn at most this often while nobody moves the picture. */
const LIT_MS = 50;

/** The same where WebGL is drawn by the CPU, which pays for every picture; there nothing pulses or fades. */
const LIT_SOFTWARE_MS = 250;

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** How long a cycle takes to go out. */
const FADE_MS = 600;

/** A hidden page draws nothing, so nothing goes out; more than this is not remembered. */
const MOST_CLOSING = 300;

/** New pools are gathered for so long before the picture is built anew. */
const GROW_MS = 1_000;

/** More than this share of new stars: the layout runs again. */
const MANY_NEW = 0.05;

const NEAR_PX = 7;
const SMALLEST = 4;
const LARGEST = 32;

/** On a sky with shorter sides than this, stars are smaller. */
const WIDE_PX = 640;

interface StarAttributes {
  x: number;
  y: number;
  size: number;
  color: string;
  label: string;
}

interface EdgeAttributes {
  size: number;
  color: string;
  type: "line" | "curve";
  curvature: number;
}

export interface SkyEvents {
  clicked(detail: Detail): void;
  /** A click on many pools in one edge. */
  clickedBundle(source: string, target: string): void;
  valued(values: Values): void;
}

type Graph = MultiUndirectedGraph<StarAttributes, EdgeAttributes>;

export class Sky {
  private graph: Graph = new MultiUndirectedGraph();
  private readonly sigma: Sigma<StarAttributes, EdgeAttributes>;
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D | null;
  private readonly layout = new Layout((places, done) => this.placed(places, done));
  private readonly drawn_aside = new Map<number, boolean>();
  private edge_of = new Map<number, Edge>();
  private edges: Edge[] = [];
  private values: Values = NO_VALUES;
  private colours: Colours;
  private readonly scale: number;
  private readonly is_software: boolean;
  private market = "";
  /** When the run began that the picture is of: another one numbers its pools otherwise. */
  private began: number | undefined;
  private closing: { cycle: Cycle; at: number; taken: boolean }[] = [];
  private taken = new Set<number>();
  private chosen: Detail | null = null;
  private lit_frame = 0;
  private lit_timer = 0;
  private lit_at = 0;
  private readonly value_timer: number;
  private readonly resized: ResizeObserver;
  private grow_timer = 0;
  private is_stale = false;
  /** A refresh of everything waits for its frame. */
  private is_refreshing = false;
  /** The greatest value of a star and of a pool. */
  private most = 0;
  private most_pool = 0;
  /** How often sigma drew and the lit layer was drawn; for tests. */
  renders = 0;
  lit_draws = 0;

  constructor(
    container: HTMLElement,
    private model: RunModel,
    private mints: Record<string, Mint>,
    private is_dark: boolean,
    private is_still: boolean,
    private readonly events: SkyEvents,
  ) {
    this.colours = sky(is_dark);
    this.scale = Math.min(
      1,
      Math.max(0.45, Math.min(container.clientWidth, container.clientHeight) / WIDE_PX),
    );
    this.sigma = new Sigma<StarAttributes, EdgeAttributes>(this.graph, container, {
      allowInvalidContainer: true,
      defaultNodeType: "star",
      nodeProgramClasses: { star: StarProgram<StarAttributes, EdgeAttributes> },
      edgeProgramClasses: { curve: createEdgeCurveProgram() },
      defaultDrawNodeHover: this.drawHover,
      labelFont: "system-ui, sans-serif",
      labelSize: 12,
      labelWeight: "500",
      labelColor: { color: this.colours.text },
      labelDensity: 0.35,
      labelGridCellSize: 90,
      labelRenderedSizeThreshold: 9,
      minEdgeThickness: 1,
      minCameraRatio: 0.02,
      maxCameraRatio: 2.5,
      // Room for the label of a star at the right edge.
      stagePadding: 44 + 24 * this.scale,
      zIndex: false,
    });
    this.canvas = this.sigma.createCanvas("lit", { afterLayer: "edges" });
    this.canvas.classList.add("lit");
    this.is_software = drawsInSoftware(this.sigma.getCanvases()["nodes"]);
    this.context = this.canvas.getContext("2d");
    let began = 0;
    this.sigma.on("beforeRender", () => {
      began = performance.now();
    });
    this.sigma.on("afterRender", () => {
      this.renders += 1;
      this.is_refreshing = false;
      this.drawLit();
      frames.add(performance.now() - began);
    });
    this.sigma.on("clickNode", ({ node }) => this.events.clicked({ kind: "star", mint: node }));
    this.sigma.on("clickStage", ({ event }) => this.clickedStage(event));
    this.sigma.on("enterNode", () => container.classList.add("hovers"));
    this.sigma.on("leaveNode", () => container.classList.remove("hovers"));
    this.resized = new ResizeObserver(() => this.refreshAll());
    this.resized.observe(container);
    this.value_timer = window.setInterval(() => this.revalue(), VALUE_MS);
    this.taken = takenOf(model);
    this.build();
  }

  kill(): void {
    this.resized.disconnect();
    clearInterval(this.value_timer);
    clearTimeout(this.grow_timer);
    clearTimeout(this.lit_timer);
    cancelAnimationFrame(this.lit_frame);
    this.layout.stop();
    this.sigma.kill();
  }

  /** Takes notice of what changed; draws nothing if none of it is seen. */
  changed(touched: Touched, model: RunModel, mints: Record<string, Mint>): void {
    this.mints = mints;
    if (touched.replaced || model !== this.model) {
      this.replaced(model);
      return;
    }
    if (touched.new_pools.length > 0) this.grow_timer ||= window.setTimeout(() => this.build(), GROW_MS);
    if (touched.pools.size > 0) {
      this.is_stale = true;
      this.recolourAside(touched.pools);
    }
    const now = performance.now();
    for (const cycle of touched.closed) {
      const taken = this.taken.delete(cycle.id);
      if (this.closing.length < MOST_CLOSING) this.closing.push({ cycle, at: now, taken });
    }
    for (const { opening_id, state } of touched.trades) {
      if (opening_id === null || state !== "filled") continue;
      if (model.open.has(opening_id)) this.taken.add(opening_id);
      const closing = this.closing.find(({ cycle }) => cycle.id === opening_id);
      if (closing) closing.taken = true;
    }
    if (touched.opened.length + touched.closed.length + touched.trades.length > 0) this.lightSoon();
  }

  /** Marks what the drawer is about. */
  choose(chosen: Detail | null): void {
    this.chosen = chosen;
    this.lightSoon();
  }

  /** Brings a star or a pool to the middle. */
  lookAt(mint: string): void {
    const at = this.sigma.getNodeDisplayData(mint);
    if (!at) return;
    const camera = this.sigma.getCamera();
    const state = { x: at.x, y: at.y, ratio: Math.min(camera.getState().ratio, 0.4) };
    if (this.is_still) camera.setState(state);
    else void camera.animate(state, { duration: 300 });
  }

  zoom(factor: number): void {
    const camera = this.sigma.getCamera();
    const ratio = camera.getBoundedRatio(camera.getState().ratio * factor);
    if (this.is_still) camera.setState({ ratio });
    else void camera.animate({ ratio }, { duration: 150 });
  }

  /** Shows everything again. */
  wholeSky(): void {
    const state = { x: 0.5, y: 0.5, ratio: 1, angle: 0 };
    if (this.is_still) this.sigma.getCamera().setState(state);
    else void this.sigma.getCamera().animate(state, { duration: 300 });
  }

  setLook(is_dark: boolean, is_still: boolean): void {
    this.is_still = is_still;
    if (is_dark === this.is_dark) return;
    this.is_dark = is_dark;
    this.colours = sky(is_dark);
    this.sigma.setSetting("labelColor", { color: this.colours.text });
    for (const mint of this.graph.nodes()) this.graph.getNodeAttributes(mint).color = this.starColour(mint);
    for (const edge of this.edges) this.graph.getEdgeAttributes(edge.key).color = this.edgeColour(edge);
    this.refreshAll();
  }

  /** What tests ask: numbers, and where things are on the screen. */
  facts(): Record<string, unknown> {
    return {
      stars: this.graph.order,
      edges: this.graph.size,
      pools: this.edge_of.size,
      lit: [...this.model.open.keys()],
      taken: [...this.taken],
      is_arranging: this.layout.isRunning,
      is_software: this.is_software,
      renders: this.renders,
      lit_draws: this.lit_draws,
    };
  }

  /** Where a star is on the screen, in pixels of the canvas. */
  placeOf(mint: string): Point | null {
    return this.graph.hasNode(mint) ? this.onScreen(mint) : null;
  }

  // ---- building

  private replaced(model: RunModel): void {
    const is_same_market =
      this.began === model.hello?.began_unix_ms &&
      this.edge_of.size === model.pools.size &&
      [...model.pools.values()].every((pool) => this.edge_of.has(pool.n) && this.graph.hasNode(pool.mint_a));
    this.model = model;
    this.closing = [];
    this.taken = takenOf(model);
    if (is_same_market) {
      this.is_stale = true;
      this.revalue();
      this.recolourAside(model.pools.keys());
      this.drawLit();
    } else {
      this.build();
    }
  }

  private build(): void {
    clearTimeout(this.grow_timer);
    this.grow_timer = 0;
    const { pools, hello } = this.model;
    this.began = hello?.began_unix_ms;
    this.market = hello ? `${hello.source}\n${hello.description}` : "";
    const places = placesOf(this.market);
    const mints = new Set<string>();
    for (const pool of pools.values()) mints.add(pool.mint_a).add(pool.mint_b);
    const unplaced = [...mints].filter((mint) => !places.has(mint));
    this.edges = edgesOf(pools.values());
    this.edge_of = new Map(this.edges.flatMap((edge) => edge.pools.map((n) => [n, edge] as const)));
    this.value();
    const graph: Graph = new MultiUndirectedGraph();
    const near = neighbours(this.edges);
    for (const mint of mints) {
      const place = places.get(mint) ?? beside(mint, near, places) ?? seed(mint, mints.size);
      graph.addNode(mint, {
        ...place,
        size: this.starSize(mint),
        color: this.starColour(mint),
        label: symbolOf(mint, this.mints),
      });
    }
    for (const edge of this.edges) {
      graph.addEdgeWithKey(edge.key, edge.source, edge.target, {
        size: this.edgeSize(edge),
        color: this.edgeColour(edge),
        type: edge.curvature === 0 ? "line" : "curve",
        curvature: edge.curvature,
      });
      for (const n of edge.pools) this.drawn_aside.set(n, pools.get(n)?.set_aside != null);
    }
    this.graph = graph;
    this.sigma.setGraph(graph);
    if (unplaced.length > MANY_NEW * mints.size) {
      this.arrange(places.size === 0 || unplaced.length > mints.size / 2 ? FIRST_STEPS : MORE_STEPS);
    } else {
      for (const mint of unplaced) {
        const { x, y } = graph.getNodeAttributes(mint);
        places.set(mint, { x, y });
      }
    }
  }

  private arrange(steps: number): void {
    const nodes = this.graph.nodes();
    const index = new Map(nodes.map((mint, at) => [mint, at]));
    const pairs = new Map<string, [number, number, number]>();
    for (const { source, target, pools } of this.edges) {
      const key = `${source}/${target}`;
      const pair = pairs.get(key);
      if (pair) pair[2] += pools.length;
      else pairs.set(key, [index.get(source)!, index.get(target)!, pools.length]);
    }
    const question = matrices(
      nodes.map((mint) => this.graph.getNodeAttributes(mint)),
      [...pairs.values()],
    );
    this.layout.run({ ...question, steps, reports: !this.is_still });
  }

  private placed(places: Float32Array, done: boolean): void {
    frames.timed(() => {
      const kept = placesOf(this.market);
      this.graph.nodes().forEach((mint, index) => {
        const attributes = this.graph.getNodeAttributes(mint);
        attributes.x = places[2 * index] ?? attributes.x;
        attributes.y = places[2 * index + 1] ?? attributes.y;
        if (done) kept.set(mint, { x: attributes.x, y: attributes.y });
      });
      this.refreshAll();
    });
  }

  // ---- sizes and colours, changed in place

  private value(): void {
    const pools = [...this.model.pools.values()];
    this.values = valuesOf(pools);
    this.most = Math.max(0, ...this.values.liquidity.values());
    this.most_pool = 0;
    for (const pool of pools) this.most_pool = Math.max(this.most_pool, poolValue(pool, this.values.rate) ?? 0);
    this.is_stale = false;
    this.events.valued(this.values);
  }

  private revalue(): void {
    if (!this.is_stale || this.grow_timer !== 0) return;
    frames.timed(() => {
      this.value();
      const nodes: string[] = [];
      for (const mint of this.graph.nodes()) {
        const attributes = this.graph.getNodeAttributes(mint);
        const size = this.starSize(mint);
        if (size === attributes.size) continue;
        attributes.size = size;
        nodes.push(mint);
      }
      const edges: string[] = [];
      for (const edge of this.edges) {
        const attributes = this.graph.getEdgeAttributes(edge.key);
        const size = this.edgeSize(edge);
        if (size === attributes.size) continue;
        attributes.size = size;
        edges.push(edge.key);
      }
      this.repaint(nodes, edges);
    });
  }

  private recolourAside(pools: Iterable<number>): void {
    const edges = new Set<string>();
    for (const n of pools) {
      const is_aside = this.model.pools.get(n)?.set_aside != null;
      if (this.drawn_aside.get(n) === is_aside) continue;
      const edge = this.edge_of.get(n);
      if (!edge) continue;
      this.drawn_aside.set(n, is_aside);
      const attributes = this.graph.getEdgeAttributes(edge.key);
      attributes.color = this.edgeColour(edge);
      attributes.size = this.edgeSize(edge);
      edges.add(edge.key);
    }
    this.repaint([], [...edges]);
  }

  /** Reads every star and edge anew at the next frame. */
  private refreshAll(): void {
    this.is_refreshing = true;
    this.sigma.refresh({ schedule: true });
  }

  private repaint(nodes: string[], edges: string[]): void {
    if (nodes.length + edges.length === 0) return;
    // Sigma cannot repaint in place what it has not put in place yet.
    if (this.is_refreshing) this.refreshAll();
    else this.sigma.refresh({ partialGraph: { nodes, edges }, skipIndexation: true, schedule: true });
  }

  /** By the fourth root of liquidity, in steps, so that small changes redraw nothing. */
  private starSize(mint: string): number {
    const value = this.values.liquidity.get(mint) ?? 0;
    const share = this.most > 0 ? (value / this.most) ** 0.25 : 0;
    return Math.round(2 * this.scale * (SMALLEST + (LARGEST - SMALLEST) * share)) / 2;
  }

  private starColour(mint: string): string {
    if (mint === this.values.base) return this.colours.star;
    return this.colours.tints[hash(mint) % this.colours.tints.length]!;
  }

  private edgeSize(edge: Edge): number {
    let value = 0;
    for (const n of edge.pools) {
      const pool = this.model.pools.get(n);
      if (pool && pool.set_aside === null) value += poolValue(pool, this.values.rate) ?? 0;
    }
    const share = this.most_pool > 0 ? Math.min(1, (value / this.most_pool) ** 0.25) : 0;
    return Math.round(4 * (0.75 + 2 * share)) / 4;
  }

  private edgeColour(edge: Edge): string {
    const pools = edge.pools.map((n) => this.model.pools.get(n)).filter((pool): pool is Pool => !!pool);
    const quoted = pools.find((pool) => pool.set_aside === null);
    const colour = venueColour((quoted ?? pools[0])?.venue ?? "", this.is_dark);
    return mixed(colour, this.colours.background, quoted ? 0.5 : 0.14);
  }

  // ---- open cycles

  private lightSoon(): void {
    if (this.lit_frame || this.lit_timer) return;
    const wait = (this.is_software ? LIT_SOFTWARE_MS : LIT_MS) - (performance.now() - this.lit_at);
    if (wait > 0) {
      this.lit_timer = window.setTimeout(() => {
        this.lit_timer = 0;
        this.lit_frame = requestAnimationFrame(() => this.light());
      }, wait);
    } else {
      this.lit_frame = requestAnimationFrame(() => this.light());
    }
  }

  private light(): void {
    this.lit_frame = 0;
    frames.timed(() => this.drawLit());
  }

  private drawLit(): void {
    if (!this.context) return;
    this.lit_draws += 1;
    this.lit_at = performance.now();
    const { width, height } = this.sigma.getDimensions();
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== width * ratio || this.canvas.height !== height * ratio) {
      this.canvas.width = width * ratio;
      this.canvas.height = height * ratio;
    }
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const fade = this.is_still || this.is_software ? 0 : FADE_MS;
    this.closing = this.closing.filter(({ at }) => this.lit_at - at < fade);
    drawLights(this.context, width, height, this.lights(fade), this.colours);
    this.canvas.classList.toggle("pulses", this.model.open.size > 0 && !this.is_software);
    if (this.closing.length > 0) this.lightSoon();
  }

  private lights(fade: number): Lights {
    const points = new Map<string, Point>();
    const lights: Lights = { open: [], taken: [], closing: [], chosen: [], rings: [] };
    for (const cycle of this.model.open.values()) {
      const list = this.taken.has(cycle.id) ? lights.taken : lights.open;
      for (const edge of cycle.edges) this.addStroke(list, poolOf(edge), points);
    }
    for (const { cycle, at, taken } of this.closing) {
      const strokes: Stroke[] = [];
      for (const edge of cycle.edges) this.addStroke(strokes, poolOf(edge), points);
      lights.closing.push({ strokes, left: 1 - (this.lit_at - at) / fade, taken });
    }
    this.addChosen(lights, points);
    return lights;
  }

  private addChosen(lights: Lights, points: Map<string, Point>): void {
    const chosen = this.chosen;
    if (chosen?.kind === "star" && this.graph.hasNode(chosen.mint)) {
      const radius = this.sigma.scaleSize(this.graph.getNodeAttributes(chosen.mint).size) + 3;
      lights.rings.push({ at: this.pointOf(chosen.mint, points), radius: Math.max(radius, 8) });
    } else if (chosen?.kind === "pool") {
      this.addStroke(lights.chosen, chosen.n, points);
    } else if (chosen?.kind === "cycle") {
      const cycle =
        this.model.open.get(chosen.id) ?? this.model.closed.findLast((closed) => closed.id === chosen.id);
      for (const edge of cycle?.edges ?? []) this.addStroke(lights.chosen, poolOf(edge), points);
    }
  }

  private addStroke(strokes: Stroke[], n: number, points: Map<string, Point>): void {
    const edge = this.edge_of.get(n);
    if (!edge || !this.graph.hasNode(edge.source)) return;
    strokes.push({
      from: this.pointOf(edge.source, points),
      to: this.pointOf(edge.target, points),
      curvature: edge.curvature,
    });
  }

  private pointOf(mint: string, points: Map<string, Point>): Point {
    let point = points.get(mint);
    if (!point) {
      point = this.onScreen(mint);
      points.set(mint, point);
    }
    return point;
  }

  private onScreen(mint: string): Point {
    return this.sigma.graphToViewport(this.graph.getNodeAttributes(mint));
  }

  private clickedStage(at: Point): void {
    const points = new Map<string, Point>();
    let nearest: { away: number; edge: Edge } | null = null;
    for (const edge of this.edges) {
      const strokes: Stroke[] = [];
      this.addStroke(strokes, edge.pools[0]!, points);
      const away = strokes[0] ? distance(at, strokes[0]) : Infinity;
      if (away <= NEAR_PX && (!nearest || away < nearest.away)) nearest = { away, edge };
    }
    if (!nearest) return;
    const { edge } = nearest;
    const lit = [...this.model.open.values()].findLast((cycle) =>
      cycle.edges.some((hop) => edge.pools.includes(poolOf(hop))),
    );
    if (lit) this.events.clicked({ kind: "cycle", id: lit.id });
    else if (edge.pools.length === 1) this.events.clicked({ kind: "pool", n: edge.pools[0]! });
    else this.events.clickedBundle(edge.source, edge.target);
  }

  private readonly drawHover: NodeHoverDrawingFunction<StarAttributes, EdgeAttributes> = (context, data) => {
    context.font = "600 13px system-ui, sans-serif";
    const label = data.label ?? "";
    const width = context.measureText(label).width;
    const left = data.x + data.size + 4;
    context.fillStyle = this.colours.halo;
    context.globalAlpha = 0.9;
    context.fillRect(left - 4, data.y - 11, width + 8, 22);
    context.globalAlpha = 1;
    context.strokeStyle = this.colours.chosen;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(data.x, data.y, Math.max(data.size, 5) + 2, 0, 2 * Math.PI);
    context.stroke();
    context.fillStyle = this.colours.text;
    context.fillText(label, left, data.y + 4.5);
  };
}

function drawsInSoftware(canvas: HTMLCanvasElement | undefined): boolean {
  const gl = canvas?.getContext("webgl2") ?? canvas?.getContext("webgl");
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  return gl != null && names != null && SOFTWARE.test(String(gl.getParameter(names.UNMASKED_RENDERER_WEBGL)));
}

/** The open cycles that a trade was made of. */
function takenOf({ trades, open }: RunModel): Set<number> {
  return new Set(
    trades.flatMap(({ opening_id, state }) =>
      state === "filled" && opening_id !== null && open.has(opening_id) ? [opening_id] : [],
    ),
  );
}

function neighbours(edges: readonly Edge[]): Map<string, string[]> {
  const near = new Map<string, string[]>();
  for (const { source, target } of edges) {
    near.set(source, [...(near.get(source) ?? []), target]);
    near.set(target, [...(near.get(target) ?? []), source]);
  }
  return near;
}

/** A place near the first neighbour that has one. */
function beside(
  mint: string,
  near: ReadonlyMap<string, string[]>,
  places: ReadonlyMap<string, Place>,
): Place | null {
  for (const other of near.get(mint) ?? []) {
    const place = places.get(other);
    if (!place) continue;
    const away = seed(mint, 4);
    return { x: place.x + away.x, y: place.y + away.y };
  }
  return null;
}
