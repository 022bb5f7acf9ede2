/** A uPlot chart that follows its container's size and the theme. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { isDark, variable } from "./theme";

/** Names of CSS variables, without `--`. */
export type Ink = "accent" | "good" | "bad" | "warn" | "dim" | "text";

export interface Line {
  label: string;
  ink: Ink;
  /** Ink of the area below; none if left out. */
  fill?: Ink;
  width?: number;
  /** Drawn as points only. */
  points?: boolean;
  /** Stepped: the value holds until the next one. */
  stepped?: boolean;
  scale?: string;
  /** How a value is written in the legend. */
  value?: (value: number | null) => string;
}

export interface ChartProps {
  /** Said to screen readers: what the chart shows. */
  label: string;
  /** First column x, then one per line; null where there is no value. */
  data: uPlot.AlignedData;
  lines: Line[];
  height?: number;
  /** The y axis begins at 0, or ends there. */
  fromZero?: boolean;
  /** x is Unix seconds (true) or any number (false). */
  time?: boolean;
  xLabel?: (value: number) => string;
  yLabel?: (value: number) => string;
  /** Drawn over the chart, e.g. to mark an optimum. */
  draw?: (plot: uPlot) => void;
  /** Anything else uPlot can do. */
  options?: Partial<uPlot.Options>;
}

/** Draws `data`; a change of `data` alone redraws without building anew. */
export function Chart(props: ChartProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const dark = isDark.value;
  const shape = JSON.stringify([props.lines, props.height, props.time]);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const built = new uPlot(optionsOf(latest, element.clientWidth), latest.current.data, element);
    plot.current = built;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== built.width) {
        built.setSize({ width: element.clientWidth, height: built.height });
      }
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      built.destroy();
      plot.current = null;
    };
  }, [shape, dark]);

  useEffect(() => {
    plot.current?.setData(props.data);
  }, [props.data]);

  return <div ref={host} class="chart" role="img" aria-label={props.label} />;
}

/** uPlot's soft limit: 0 is in sight whatever the values are. */
const ZERO = { pad: 0.1, soft: 0, mode: 1 } as const;

function optionsOf(latest: { current: ChartProps }, width: number): uPlot.Options {
  const { lines, height = 180, time = false, fromZero = false, options = {} } = latest.current;
  const axis: uPlot.Axis = {
    stroke: variable("--dim"),
    grid: { stroke: variable("--line"), width: 1 },
    ticks: { stroke: variable("--line"), width: 1 },
    font: `11px ${variable("--sans")}`,
  };
  return {
    width: Math.max(width, 120),
    height,
    scales: { x: { time }, ...(fromZero && { y: { range: { min: ZERO, max: ZERO } } }) },
    cursor: { points: { size: 6 } },
    legend: { live: true },
    axes: [
      {
        ...axis,
        ...(latest.current.xLabel && {
          // Room for labels as long as a time of day, on one line.
          space: 72,
          size: 30,
          values: (_: uPlot, ticks: number[]) => ticks.map((tick) => latest.current.xLabel?.(tick) ?? ""),
        }),
      },
      {
        ...axis,
        size: 64,
        values: (_: uPlot, ticks: number[]) =>
          ticks.map((tick) => latest.current.yLabel?.(tick) ?? String(tick)),
      },
    ],
    series: [
      latest.current.xLabel
        ? {
            label: "at",
            value: (_: uPlot, x: number | null) => (x === null ? "–" : (latest.current.xLabel?.(x) ?? "")),
          }
        : {},
      ...lines.map((line, index): uPlot.Series => {
        const ink = variable(`--${line.ink}`);
        return {
          label: line.label,
          stroke: ink,
          width: line.width ?? 1.5,
          spanGaps: true,
          points: { show: line.points ?? false, size: 5, fill: ink },
          ...(line.fill && { fill: `color-mix(in srgb, ${variable(`--${line.fill}`)} 22%, transparent)` }),
          ...(line.points && { paths: () => null }),
          ...(line.stepped && { paths: uPlot.paths.stepped!({ align: 1 }) }),
          ...(line.scale && { scale: line.scale }),
          value: (_: uPlot, value: number | null) => {
            const current = latest.current.lines[index];
            return current?.value ? current.value(value) : (value ?? "–").toString();
          },
        };
      }),
    ],
    hooks: { draw: [(plot) => latest.current.draw?.(plot)] },
    ...options,
  };
}
