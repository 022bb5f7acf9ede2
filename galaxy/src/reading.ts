/** Whether somebody reads in a part of the page. */

import { useState } from "preact/hooks";

/** Whether the pointer or the focus is within: somebody reads. */
export function useReading(): [
  is_reading: boolean,
  handlers: {
    onPointerEnter: () => void;
    onPointerLeave: (event: PointerEvent) => void;
    onFocusIn: () => void;
    onFocusOut: (event: FocusEvent) => void;
  },
] {
  const [hovered, setHovered] = useState(false);
  const [focused, setFocused] = useState(false);
  return [
    hovered || focused,
    {
      onPointerEnter: () => setHovered(true),
      onPointerLeave: (event) => {
        setHovered(false);
        // Not every browser says so when what had the focus is taken away.
        setFocused((event.currentTarget as Node).contains(document.activeElement));
      },
      onFocusIn: () => setFocused(true),
      onFocusOut: (event) => {
        const within = event.currentTarget as Node;
        if (!within.contains(event.relatedTarget as Node | null)) setFocused(false);
      },
    },
  ];
}
