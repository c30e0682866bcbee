// This file is where the helpers stand that a generated program may call: `kit.name(…)`.
//
// Nothing here knows the network, the page or the clock. Globals are taken when a module loads,
// because the lockdown removes some of them before a program runs. All loops over rows are in the
// program itself, but for packing a selection and widening a column, whose types never vary. Arrow
// is little-endian, and so are the engines' typed arrays on every platform that has them.

import * as angles from "./kit/angles.ts";
import * as arrays from "./kit/arrays.ts";
import * as columns from "./kit/columns.ts";
import * as counting from "./kit/counting.ts";
import * as exactly from "./kit/exactly.ts";
import * as exponential from "./kit/exponential.ts";
import * as groups from "./kit/groups.ts";
import * as keys from "./kit/keys.ts";
import * as like from "./kit/like.ts";
import * as moments from "./kit/moments.ts";
import * as numbers from "./kit/numbers.ts";
import * as permutations from "./kit/permutations.ts";
import * as random from "./kit/random.ts";
import * as ranking from "./kit/ranking.ts";
import * as sealing from "./kit/sealing.ts";
import * as similar from "./kit/similar.ts";
import * as spelling from "./kit/spelling.ts";
import * as streams from "./kit/streams.ts";
import * as sums from "./kit/sums.ts";
import * as texts from "./kit/texts.ts";

export type { Selection } from "./kit/arrays.ts";

/** Everything that a program may call. */
export const kit = Object.freeze({
  ...angles,
  ...arrays,
  ...columns,
  ...counting,
  ...exactly,
  ...exponential,
  ...groups,
  ...keys,
  ...like,
  ...moments,
  ...numbers,
  ...permutations,
  ...random,
  ...ranking,
  ...sealing,
  ...similar,
  ...spelling,
  ...streams,
  ...sums,
  ...texts,
});
