//go:build quarrel_pkgconfig

package quarrel

// #cgo pkg-config: quarrel
import "C"
