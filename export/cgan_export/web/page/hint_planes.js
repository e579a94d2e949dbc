// Hints, colors that a person has placed, as planes for the network; as runtime/cgan_runtime/guide/hints.py has it.
//
// const planes = rasterized([{ x: 0.31, y: 0.62, color: "#2f4f9f", radius: 0.01 }], [1080, 1920], [48, 84]);

import { chromaOf } from "./color.js";

const LEAST_RADIUS = 0.6; // cells of the grid; a smaller disc would fill no cell
const SAMPLES = 8; // per side of a cell, by which its covered share is counted

/**
 * Three planes of `grid` = [rows, columns]: a*, b* (of 110) times the share of each cell that hints cover, and this
 * share. `picture` is [height, width]; a later hint covers an earlier one.
 */
export function rasterized(hints, picture, [rows, columns]) {
  const planes = new Float32Array(3 * rows * columns), longer = Math.max(...picture);
  for (const { x, y, color, radius } of hints) {
    const reach = [rows, columns].map((cells, axis) => Math.max(LEAST_RADIUS, radius * longer / picture[axis] * cells));
    const down = span(y * rows, reach[0], rows), across = span(x * columns, reach[1], columns);
    const values = [...chromaOf([1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))), 1];
    for (let row = down.first; row < down.end; row += 1) {
      for (let column = across.first; column < across.end; column += 1) {
        const share = covered(down.squares[row - down.first], across.squares[column - across.first]);
        values.forEach((value, channel) => {
          const at = (channel * rows + row) * columns + column;
          planes[at] += (value - planes[at]) * share;
        });
      }
    }
  }
  return planes;
}

/** The cells that a disc may touch along an axis, and the squared distances of each one's samples, of the radius. */
function span(center, radius, cells) {
  const first = Math.min(cells - 1, Math.max(0, Math.floor(center - radius)));
  const end = Math.max(first + 1, Math.min(cells, Math.ceil(center + radius)));
  const squares = Array.from({ length: end - first }, (_, cell) =>
    Array.from({ length: SAMPLES }, (_, i) => ((first + cell + (i + 0.5) / SAMPLES - center) / radius) ** 2));
  return { first, end, squares };
}

function covered(down, across) {
  let inside = 0;
  for (const v of down) for (const u of across) if (u + v <= 1) inside += 1;
  return inside / SAMPLES ** 2;
}
