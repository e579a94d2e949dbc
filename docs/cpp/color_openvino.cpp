// Colors a gray image with an end-to-end model, in OpenVINO:  color_openvino MODEL.onnx IN.pgm OUT.ppm
// c++ -std=c++17 color_openvino.cpp -o color_openvino -I"$OPENVINO/include" -L"$OPENVINO/libs" -lopenvino
#include <openvino/openvino.hpp>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

int main(int count, char** words) {
    if (count != 4) {
        std::cerr << "usage: color_openvino MODEL.onnx IN.pgm OUT.ppm\n";
        return 2;
    }
    std::ifstream in(words[2], std::ios::binary);
    std::string kind;
    std::size_t width = 0, height = 0, peak = 0;
    if (!(in >> kind >> width >> height >> peak) || kind != "P5" || peak != 255) {
        std::cerr << words[2] << " is not an 8-bit binary PGM\n";
        return 1;
    }
    in.get();
    ov::Tensor gray(ov::element::u8, {1, height, width});
    in.read(reinterpret_cast<char*>(gray.data<std::uint8_t>()), height * width);

    ov::Core core;
    auto request = core.compile_model(words[1], "CPU", ov::hint::inference_precision(ov::element::f32))
                       .create_infer_request();
    request.set_tensor("gray", gray);
    request.infer();

    ov::Tensor rgb = request.get_tensor("rgb");  // (1, height, width, 3)
    std::ofstream out(words[3], std::ios::binary);
    out << "P6\n" << width << ' ' << height << "\n255\n";
    out.write(reinterpret_cast<const char*>(rgb.data<std::uint8_t>()), rgb.get_byte_size());
    return out ? 0 : 1;
}
