//go:build !linux

package arena

import "errors"

// useMappings reports whether a new pool takes mappings or heap blocks.
func useMappings() bool { return false }

func mapMemory(int) ([]byte, error) { return nil, errors.ErrUnsupported }

func moveMemory([]byte, []byte) error { return errors.ErrUnsupported }

func dropMemory([]byte) error { return errors.ErrUnsupported }

func unmapMemory([]byte) error { return errors.ErrUnsupported }

func setAccess([]byte, bool) error { return errors.ErrUnsupported }
