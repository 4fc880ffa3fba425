package pgtest

import (
	"errors"
	"os"
	osuser "os/user"
	"strconv"
)

// user is whom the server runs as. PostgreSQL refuses to run as root.
type user struct{ uid, gid int }

// serverUser returns nil unless this process is root's: then it is postgres, or
// nobody.
func serverUser() (*user, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &user{uid, gid}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}
