/**
 * Open cycles, drawn over the edges on a canvas of their own, so that the WebGL picture stays as it is while
 * cycles come and go. The pulse is CSS on that canvas.
 */

import type { Sky as Colours } from "./colours";

export interface Point {
  x: number;
  y: number;
}

/** An edge on the screen: from, to, and how far it bends. */
export interface Stroke {
  from: Point;
  to: Point;
  curvature: number;
}

export interface Lights {
  open: Stroke[];
  /** Those that a trade was made of. */
  taken: Stroke[];
  /** Closed a moment ago; `left` falls from 1 to 0. */
  closing: { strokes: Stroke[]; left: number; taken: boolean }[];
  /** What the drawer is about. */
  chosen: Stroke[];
  rings: { at: Point; radius: number }[];
}

/** The control point of an edge's curve, as @sigma/edge-curve bends it. */
export function controlOf({ from, to, curvature }: Stroke): Point {
  return {
    x: (from.x + to.x) / 2 + (to.y - from.y) * curvature,
    y: (from.y + to.y) / 2 - (to.x - from.x) * curvature,
  };
}

/** How far `at` is from an edge, in pixels; of a curve, from a few chords. */
export function distance(at: Point, stroke: Stroke): number {
  const { from, to, curvature } = stroke;
  if (curvature === 0) return fromSegment(at, from, to);
  const control = controlOf(stroke);
  let nearest = Infinity;
  let before = from;
  const chords = 12;
  for (let i = 1; i <= chords; i++) {
    const t = i / chords;
    const s = 1 - t;
    const point = {
      x: s * s * from.x + 2 * s * t * control.x + t * t * to.x,
      y: s * s * from.y + 2 * s * t * control.y + t * t * to.y,
    };
    nearest = Math.min(nearest, fromSegment(at, before, point));
    before = point;
  }
  return nearest;
}

function fromSegment(at: Point, from: Point, to: Point): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const square = dx * dx + dy * dy;
  const along = square === 0 ? 0 : ((at.x - from.x) * dx + (at.y - from.y) * dy) / square;
  const t = Math.max(0, Math.min(1, along));
  return Math.hypot(at.x - from.x - t * dx, at.y - from.y - t * dy);
}

function trace(context: CanvasRenderingContext2D, strokes: readonly Stroke[]): void {
  context.beginPath();
  for (const stroke of strokes) {
    context.moveTo(stroke.from.x, stroke.from.y);
    if (stroke.curvature === 0) context.lineTo(stroke.to.x, stroke.to.y);
    else {
      const control = controlOf(stroke);
      context.quadraticCurveTo(control.x, control.y, stroke.to.x, stroke.to.y);
    }
  }
}

function glow(context: CanvasRenderingContext2D, strokes: readonly Stroke[], colour: string, left = 1): void {
  if (strokes.length === 0) return;
  trace(context, strokes);
  context.strokeStyle = colour;
  context.globalAlpha = 0.22 * left;
  context.lineWidth = 7;
  context.stroke();
  context.globalAlpha = 0.95 * left;
  context.lineWidth = 1.8;
  context.stroke();
  context.globalAlpha = 1;
}

export function drawLights(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  lights: Lights,
  colours: Colours,
): void {
  context.clearRect(0, 0, width, height);
  context.lineCap = "round";
  for (const { strokes, left, taken } of lights.closing) {
    glow(context, strokes, taken ? colours.taken : colours.lit, left);
  }
  glow(context, lights.open, colours.lit);
  glow(context, lights.taken, colours.taken);
  if (lights.chosen.length > 0) {
    trace(context, lights.chosen);
    context.strokeStyle = colours.chosen;
    context.lineWidth = 3;
    context.stroke();
  }
  for (const { at, radius } of lights.rings) {
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    context.strokeStyle = colours.chosen;
    context.lineWidth = 2;
    context.stroke();
  }
}
