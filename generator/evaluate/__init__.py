"""How good are generated radiographs: distances, memorisation, maps, a machine observer, figures and a report."""
