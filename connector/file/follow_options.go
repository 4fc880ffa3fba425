package file

import (
	"fmt"
	"iter"
	"time"
)

// DefaultPoll is the default of FollowOptions.Poll.
const DefaultPoll = 250 * time.Millisecond

// FollowOptions say how files are followed. The zero value works.
//
// A path is followed by its name: its stream is what the files that have the name
// hold, one after the other. When the name leads to another file that has data, the
// one that was read is read to its end, and after a grace of two polls the next one
// from its beginning. If files were rotated faster than they were read, those in
// between come in their order: rotated files are looked for in the same directory,
// with a number or a date behind the name or before its extension, and not
// compressed. Where one file ends and the next begins, a batch says so
// (weir.Batch.Begins): for package codec a record ends there, and a header comes
// again; of bytes, nothing is put between. What is there no more is waited for,
// also at the beginning. The stream's ID is the path, with the links of its directory
// resolved.
//
// Of a directory or a pattern each file is followed by itself, whatever name it gets,
// and new ones are looked for. Its ID is device, inode and, where that is known, the
// time it was made. Its Name is where it was found first; the inode is added if that
// is the Name of another stream of the run already. Its stream ends when no name
// leads to it any more and it was read to its end, and not before: there have to be
// as many weir.Options.Streams as there are files. Memory holds the files that are
// read and 4096 others, some 2 MiB; those that have been gone longest are forgotten,
// and read again if they come back.
//
// A file that becomes shorter than what was read of it, or whose first KiB or last
// 4 KiB before the offset change, was truncated. If a rotated file beside it has what
// was read of it, as far as those bytes tell, and at least 128 of them, it is taken
// for a copy, and read on from where the other one was left; then the truncated file
// is read from its beginning. What was written and truncated between two looks is
// lost if it is in no copy, or was all that the file had.
//
// In a directory, such a copy is not read as a file of its own: a file that has a name
// which a rotation gives another one that is read, and 128 bytes or more, all of which
// that one has too, or has had before it was truncated. If it becomes longer than that
// it is read after all, from its beginning. With Known and OnCopy that holds over
// restarts, for copies that were made while nobody looked too; and a copy of a file
// that is not found any more is read on as that file, with its stream's ID and name.
// What is not recognized, and read again: a copy under a name that no rotation gives, in
// another directory, of less than 128 bytes, compressed, or of a file that was read
// less than 128 bytes of. A pattern that leaves copies out is safe in any case.
//
// A stream that is continued finds the file of its position under its name, or by its
// device, inode and first bytes under any name in the directory, or else a copy of
// it. If there is none, what has the name is read from its beginning and the event
// says so.
//
// A stream holds 10 KiB of memory and one or two descriptors. Positions are those of
// files that are not followed.
type FollowOptions struct {
	// Poll is the longest time between two looks at a file, or a directory. A
	// file that has just grown is looked at up to 16 times as often. Looking at
	// a directory takes a tenth of the time at most, so that one of very many
	// files is looked at less often. Default: DefaultPoll.
	Poll time.Duration
	// FromEnd begins at the end of the files that are there when the source is
	// opened, unless they are continued at a position. Default: from their
	// beginning.
	FromEnd bool
	// Known yields the files of directories and patterns that earlier runs knew,
	// so that copies of them are not read again: see above. It is called when the
	// source is made. Default: none.
	Known iter.Seq[KnownFile]
	// OnCopy is given each file that is left out, to be kept and yielded by Known
	// in later runs. It is called by Next, and an error fails a stream of the
	// file's name. Default: nobody keeps them.
	OnCopy func(KnownFile) error
	// Streams is how many streams the run reads side by side. OnEvent is told when
	// as many files of directories are followed: others wait, and new ones are not
	// looked for, until one of them is gone. Default: not known.
	Streams int
	// OnEvent is told what happens to the files. It is called by several
	// goroutines and must not block. Default: nobody is told.
	OnEvent func(FollowEvent)
}

func (o FollowOptions) withDefaults() FollowOptions {
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.OnEvent == nil {
		o.OnEvent = func(FollowEvent) {}
	}
	if o.OnCopy == nil {
		o.OnCopy = func(KnownFile) error { return nil }
	}
	return o
}

// Happening is what can become of a file that is followed.
type Happening string

// The happenings.
const (
	// Rotated: the name leads to another file. The old one was read to its end,
	// and the other one is read from its beginning.
	Rotated Happening = "rotated"
	// Truncated: what came before the offset is not in the file any more: it was
	// cut off or overwritten, or, if that was while nobody looked, another file
	// has got its inode. It is read from its beginning.
	Truncated Happening = "truncated"
	// Replaced: a stream is continued, and the file of its position is neither
	// under its name nor beside it. What has the name is read from its
	// beginning.
	Replaced Happening = "replaced"
	// Missing: nothing has the name. It is waited for.
	Missing Happening = "missing"
	// Full: the last one of FollowOptions.Streams has this file.
	Full Happening = "the last stream has it"
	// Copied: a file of a directory is a copy of one that is read already, made
	// to truncate that. It is left out.
	Copied Happening = "copied"
)

// UnknownLoss is the Lost of a FollowEvent where nobody can know.
const UnknownLoss int64 = -1

// A FollowEvent says what became of a file.
type FollowEvent struct {
	Stream string // its name
	Path   string
	What   Happening
	// Lost is how many bytes were seen to be there, were not read and are gone,
	// or UnknownLoss. What was written and truncated between two looks is not
	// counted: nobody saw it.
	Lost int64
}

// String returns the event as a sentence.
func (e FollowEvent) String() string {
	text := fmt.Sprintf("%s: %s", show(e.Path), e.What)
	switch {
	case e.What == Full:
		text += "; files beyond it, if there are any, wait until one of them is gone: raise --streams"
	case e.Lost == UnknownLoss:
		text += "; what was not read of it by then is lost"
	case e.Lost > 0:
		text += fmt.Sprintf("; %d bytes that were not read are lost", e.Lost)
	}
	return text
}
