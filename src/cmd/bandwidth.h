/* How fast this machine reads memory: the limit that decoding is measured against. Any one
 * thread. */
#ifndef RYOT_CMD_BANDWIDTH_H
#define RYOT_CMD_BANDWIDTH_H

/* Gigabytes (10^9) per second that n_threads read together from a buffer larger than the
 * last-level cache: the best of several passes within about half a second. NaN when memory is
 * too short for the buffer. */
double ry_bandwidth_measure(int n_threads);

/* The same, remembered where it is more than what was remembered: other programs slow a measurement down, none speeds
 * one up. */
double ry_bandwidth_measure_kept(int n_threads);

#endif
