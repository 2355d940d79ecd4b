import ByteIO
import Pickle
import Testing
