// Package observe shows what a process that runs weir takes from its machine.
//
// A [Memory] reads the resident set size (RSS) of this process as the operating
// system counts it: the number an operator sees and the out-of-memory killer
// acts on. [MemoryLimit] finds the limit that a container sets on it. Where the
// system does not tell, on anything but Linux, the Go runtime's own count
// stands in; it does not include memory outside the Go heap.
package observe
