// Package weirtest is the conformance kit for sources and sinks, and the fakes
// and checks that tests of pipelines need. A connector is finished when its
// package passes TestSource or TestSink.
//
// Every rule is one sentence of the contract and has a number: S1.x for
// sources, K2.x for sinks. A test that fails prints the sentence it broke. A
// rule that a harness gives no means to check is skipped as untested, so that
// the output says what a connector was not asked.
package weirtest
