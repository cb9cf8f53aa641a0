/* SPDX-License-Identifier: MIT */
/*
 * The recording of a grade, as a process: what ringside record does, but for
 * counting what it has recorded, since the grader reads all of it anyway, and
 * it says when the trace is whole, which is a good while before LTTng is done.
 */
#ifndef LABS_ENGINE_RECORDER_H
#define LABS_ENGINE_RECORDER_H

#define RECORDER_BEGUN	  'b'
#define RECORDER_COMPLETE 'c'

/*
 * recorder DIR LEVEL: record into DIR, which is made, until SIGTERM.  Writes
 * each of the above to its standard output, and a sentence to stderr if
 * something failed.  Returns the exit code.
 */
int recorder_run(int argc, char **argv);

#endif
