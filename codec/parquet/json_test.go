package parquet_test

import "encoding/json"

// decode is a record as package encoding/json has it, with numbers as the nearest
// float, which is the same for one that has been written in another way.
func decode(text string) (map[string]any, error) {
	var v map[string]any
	err := json.Unmarshal([]byte(text), &v)
	for k := range v {
		if v[k] == nil {
			delete(v, k) // one that is null is one that is not there
		}
	}
	return v, err
}
