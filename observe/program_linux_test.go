package observe

import "testing"

func TestReleasedProgramRunsOnInLessMemory(t *testing.T) {
	m, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }() // it was only read
	before, err := m.RSS()
	if err != nil {
		t.Fatal(err)
	}
	if err := ReleaseProgram(); err != nil {
		t.Fatal(err)
	}
	after, err := m.RSS()
	if err != nil || after >= before {
		t.Errorf("resident: %d bytes before, %d after, %v", before, after, err)
	}
}

func TestOnlyWhatCannotBeWrittenIsReleased(t *testing.T) {
	const self = "/opt/a program"
	for line, want := range map[string]bool{
		"00400000-00ab7000 r-xp 00000000 fe:00 246999   /opt/a program\n":           true,
		"00ab7000-011f8000 r--p 006b7000 fe:00 246999   /opt/a program\n":           true,
		"011f8000-01283000 rw-p 00df8000 fe:00 246999   /opt/a program\n":           false,
		"00400000-00ab7000 r-xp 00000000 fe:00 246999   /opt/a program (deleted)\n": false,
		"7f0000000000-7f0000001000 r-xp 00000000 fe:00 1   /lib/libc.so\n":          false,
		"c000000000-c000400000 rw-p 00000000 00:00 0\n":                             false,
		"nonsense /opt/a program": false,
		"":                        false,
	} {
		if from, to, ok := programRange(line, self); ok != want || ok && (from == 0 || to <= from) {
			t.Errorf("%q: %x to %x, %t", line, from, to, ok)
		}
	}
}
