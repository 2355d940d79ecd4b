import Testing
import TorchFormat
