"""Max pooling from Python, by ctypes alone. The argument is the path of libhybridcnn."""
import ctypes
import sys
from ctypes import POINTER, c_char_p, c_float, c_int32, c_int64, c_void_p


class PoolingOptions(ctypes.Structure):
    _fields_ = [(name, c_int32) for name in (
        "struct_size kind layout n c ih iw kh kw stride_h stride_w pad_top pad_left pad_bottom pad_right"
        " dilation_h dilation_w ceil_mode exclude_pad divisor").split()]


class PoolingSizes(ctypes.Structure):
    _fields_ = [(name, c_int32) for name in ("struct_size", "oh", "ow", "reserved")] + [
        (name, c_int64) for name in ("x_count", "y_count", "index_count")]


def load(path):
    library = ctypes.CDLL(path)
    library.hybridcnn_last_error.restype = c_char_p
    library.hybridcnn_version.restype = c_char_p
    library.hybridcnn_destroy.argtypes = [c_void_p]
    library.hybridcnn_context_create.argtypes = [c_void_p, POINTER(c_void_p)]
    library.hybridcnn_pooling_create.argtypes = [POINTER(PoolingOptions), POINTER(c_void_p)]
    library.hybridcnn_pooling_describe.argtypes = [c_void_p, POINTER(PoolingSizes)]
    library.hybridcnn_pooling_forward.argtypes = [
        c_void_p, c_void_p, POINTER(c_float), c_int64, POINTER(c_float), c_int64, POINTER(c_int32), c_int64]
    return library


def main(path):
    library = load(path)

    def check(status):
        if status:
            raise RuntimeError(library.hybridcnn_last_error().decode())

    context, pooling = c_void_p(), c_void_p()
    check(library.hybridcnn_context_create(None, ctypes.byref(context)))
    options = PoolingOptions(struct_size=ctypes.sizeof(PoolingOptions), n=1, c=1, ih=4, iw=4, kh=2, kw=2)
    check(library.hybridcnn_pooling_create(ctypes.byref(options), ctypes.byref(pooling)))
    sizes = PoolingSizes(struct_size=ctypes.sizeof(PoolingSizes))
    check(library.hybridcnn_pooling_describe(pooling, ctypes.byref(sizes)))

    x = (c_float * sizes.x_count)(*range(sizes.x_count))
    y, indices = (c_float * sizes.y_count)(), (c_int32 * sizes.index_count)()
    check(library.hybridcnn_pooling_forward(pooling, context, x, len(x), y, len(y), indices, len(indices)))
    print(f"hybridcnn {library.hybridcnn_version().decode()}: maxima {list(y)} at {list(indices)}")
    assert list(y) == [5, 7, 13, 15] and list(indices) == [5, 7, 13, 15]

    # A mistake is an exception with the library's words.
    try:
        check(library.hybridcnn_pooling_forward(pooling, context, x, len(x) - 1, y, len(y), indices, len(indices)))
        raise AssertionError("15 elements were taken for 16")
    except RuntimeError as error:
        print(f"as it should be: {error}")
    check(library.hybridcnn_destroy(pooling))
    check(library.hybridcnn_destroy(context))


if __name__ == "__main__":
    main(sys.argv[1])
