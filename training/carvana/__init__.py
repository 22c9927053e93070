"""Cars: a U-Net on Carvana's studio photos and on places outside the studio."""
