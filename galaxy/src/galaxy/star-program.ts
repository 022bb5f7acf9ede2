/** Draws a star: a core and a halo that fades out. */

import type { Attributes } from "graphology-types";
import { NodeCircleProgram } from "sigma/rendering";

const FRAGMENT = /* glsl */ `
precision highp float;
varying vec4 v_color;
varying vec2 v_diffVector;
varying float v_radius;

void main(void) {
  float away = length(v_diffVector) / v_radius;
  #ifdef PICKING_MODE
  gl_FragColor = away > 0.75 ? vec4(0.0) : v_color;
  #else
  float core = 1.0 - smoothstep(0.42, 0.52, away);
  float halo = 0.38 * pow(max(0.0, 1.0 - away), 2.0);
  float share = max(core, halo);
  gl_FragColor = vec4(v_color.rgb * share, v_color.a * share);
  #endif
}
`;

export class StarProgram<N extends Attributes, E extends Attributes> extends NodeCircleProgram<N, E> {
  override getDefinition(): ReturnType<NodeCircleProgram<N, E>["getDefinition"]> {
    return { ...super.getDefinition(), FRAGMENT_SHADER_SOURCE: FRAGMENT };
  }
}
